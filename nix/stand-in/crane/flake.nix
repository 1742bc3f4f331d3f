{
  description = "Stand-in for crane: only what Vigie's flake calls; the workspace is built in one derivation";

  outputs =
    { self }:
    {
      mkLib = pkgs: { overrideToolchain = choose: import ./lib.nix { inherit pkgs; toolchain = choose pkgs; }; };
    };
}
