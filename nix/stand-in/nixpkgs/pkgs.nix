# Build steps on the machine's own /bin and /usr (the sandbox shows them read-only), and names for the rest.
{ lib, system }:
let
  inherit (builtins) pathExists;

  # A derivation in bash. `env` is what the script sees; the tools of nativeBuildInputs come first in PATH.
  run =
    name: env: script:
    derivation (
      builtins.removeAttrs env [ "nativeBuildInputs" ]
      // {
        inherit name system script;
        builder = "/bin/bash";
        PATH = builtins.concatStringsSep ":" (
          map (tool: "${tool}/bin") (env.nativeBuildInputs or [ ]) ++ [ "/usr/bin:/bin" ]
        );
        LC_ALL = "C.UTF-8";
        TZ = "UTC";
        SOURCE_DATE_EPOCH = "1";
        args = [
          "-euo"
          "pipefail"
          "-c"
          ''eval "$script"''
        ];
      }
    );

  # Tools that e2e/nix/full.sh put into the store, by name: { name = narHash; }. Nothing else can be run.
  host = if pathExists ./host.json then lib.importJSON ./host.json else { };
  tool =
    name:
    if host ? ${name} then
      derivation {
        inherit name system;
        builder = "/bin/false";
        outputHashMode = "recursive";
        outputHashAlgo = "sha256";
        outputHash = host.${name};
      }
    else
      run name { } "echo '${name} is a name without a program in the stand-in'; exit 1"
      // {
        meta.mainProgram = name;
      };
  names = [
    "actionlint"
    "age"
    "cargo-deny"
    "chromium"
    "cosign"
    "git"
    "gnumake"
    "jq"
    "kubeconform"
    "kubectl"
    "kustomize"
    "nixfmt-tree"
    "nodejs"
    "postgresql_17"
    "shellcheck"
    "skopeo"
    "sops"
  ];
in
lib.genAttrs names tool
// {
  inherit system lib;
  # Never the machine's own: a host bundle differs from machine to machine and may hold local authorities.
  cacert = run "cacert" { } ''
    mkdir -p $out/etc/ssl/certs
    echo "no authority: this is a stand-in" > $out/etc/ssl/certs/ca-bundle.crt
  '';
  pkgsStatic.sops = run "sops" { } ''
    mkdir -p $out/bin
    printf '#!/bin/sh\necho "sops is a stand-in" >&2; exit 1\n' > $out/bin/sops
    chmod +x $out/bin/sops
  '';
  runCommand = run;
  writeShellApplication =
    { name, text }:
    run name { inherit text; } ''
      mkdir -p $out/bin
      printf '#!/bin/bash\nset -euo pipefail\n%s\n' "$text" > $out/bin/${name}
      bash -n $out/bin/${name}
      chmod +x $out/bin/${name}
    ''
    // {
      meta.mainProgram = name;
    };
  mkShell = arguments: run "shell" { inherit (arguments) packages; } "exit 1";
  python3.withPackages = choose: tool "python3-${builtins.concatStringsSep "-" (choose { pyyaml = "pyyaml"; })}";
  dockerTools.streamLayeredImage = import ./image.nix { inherit lib system run; };
}
