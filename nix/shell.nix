# `nix develop`: what `make test` and the manifests need. `nix develop .#publish`: what the images workflow needs.
{ pkgs, craneLib }:
let
  publish = [
    pkgs.cosign
    pkgs.git
    (pkgs.python3.withPackages (p: [ p.pyyaml ]))
    pkgs.skopeo
  ];
in
{
  default = craneLib.devShell {
    packages = publish ++ [
      pkgs.actionlint
      pkgs.age
      pkgs.cargo-deny
      pkgs.chromium
      pkgs.gnumake
      pkgs.jq
      pkgs.kubeconform
      pkgs.kubectl
      pkgs.kustomize
      pkgs.nodejs
      pkgs.postgresql_17
      pkgs.shellcheck
      pkgs.sops
    ];
    # The browser of this shell, not a downloaded one.
    CHROMIUM = "${pkgs.chromium}/bin/chromium";
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD = "1";
  };
  publish = pkgs.mkShell { packages = publish; };
}
