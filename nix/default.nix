# Everything that the flake gives for one system. What comes from outside enters by these five arguments and nowhere
# else: `make check-nix` passes stand-ins through the same door.
{
  lib,
  pkgs,
  system,
  mkCraneLib,
  mkToolchain,
}:
let
  sources = import ./source.nix {
    inherit lib;
    root = ../.;
  };
  craneLibFor = targets: (mkCraneLib pkgs).overrideToolchain (mkToolchain targets);
  craneLib = craneLibFor [ ];
  workspace = import ./workspace.nix {
    inherit
      pkgs
      system
      craneLibFor
      sources
      ;
  };
  images = import ./images.nix {
    inherit lib pkgs sources;
    inherit (workspace) packages;
  };
in
{
  inherit (workspace) packages checks;
  inherit images;
  oci = import ./oci.nix { inherit pkgs images; };
  # The hash of the source of each program, as the image carries it: `nix eval .#sources.x86_64-linux.web`.
  sources = builtins.mapAttrs (_: source: source.hash) sources.programs;
  apps = import ./up.nix {
    inherit lib pkgs sources;
    inherit (workspace) packages;
  };
  devShells = import ./shell.nix { inherit pkgs craneLib; };
  formatter = pkgs.nixfmt-tree;
}
