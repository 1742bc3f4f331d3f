{
  description = "Vigie: programs, images, checks and a shell, each from the same source";

  # flake.lock pins the revisions; they are a set that crane's own tests use together. `nix flake update` moves them all.
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      nixpkgs,
      crane,
      rust-overlay,
      ...
    }:
    let
      vigie = nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
        system:
        import ./nix {
          inherit (nixpkgs) lib;
          pkgs = nixpkgs.legacyPackages.${system};
          mkCraneLib = crane.mkLib;
          inherit system;
          # What rust-toolchain.toml names, with the standard library of more targets.
          mkToolchain =
            targets: p:
            (rust-overlay.lib.mkRustBin { } p).fromRustupToolchain (
              (fromTOML (builtins.readFile ./rust-toolchain.toml)).toolchain // { inherit targets; }
            );
        }
      );
      each = output: builtins.mapAttrs (_: all: all.${output}) vigie;
    in
    {
      packages = each "packages";
      images = each "images";
      oci = each "oci";
      sources = each "sources";
      checks = each "checks";
      apps = each "apps";
      devShells = each "devShells";
      formatter = each "formatter";
    };
}
