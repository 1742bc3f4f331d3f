# `nix run .#up -- fr`: a whole country on one machine, as `make up COUNTRY=fr` does it.
{
  lib,
  pkgs,
  sources,
  packages,
}:
let
  # `vigie` starts the programs that lie beside it, so they are copied into one folder: a link would lead back.
  bundle = pkgs.runCommand "vigie-bundle" { } (
    "mkdir -p $out/bin\n"
    + builtins.concatStringsSep "" (map (p: "cp ${lib.getExe p} $out/bin/\n") (builtins.attrValues (removeAttrs packages [ "krm-sops" ])))
  );
  up = pkgs.writeShellApplication {
    name = "vigie-up";
    text = ''
      COUNTRY="''${1:-''${COUNTRY:-fr}}"
      export COUNTRY
      # In a checkout its own figures and profiles are read; elsewhere those of this flake.
      if [ ! -d clusters ] || [ ! -d services ]; then
        export VIGIE_ROOT="''${VIGIE_ROOT:-${sources.platform}}"
      fi
      # The database of this flake: the archive that `vigie` fetches elsewhere does not run on NixOS.
      export VIGIE_POSTGRESQL="''${VIGIE_POSTGRESQL:-${pkgs.postgresql_17}}"
      exec ${bundle}/bin/vigie up
    '';
  };
in
{
  up = {
    type = "app";
    program = lib.getExe up;
    meta.description = "Runs a whole country on this machine: nix run .#up -- fr";
  };
}
