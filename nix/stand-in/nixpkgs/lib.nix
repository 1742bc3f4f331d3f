# The functions of nixpkgs' lib that the flake calls, and no other: a call that is missing here is a call to think about.
rec {
  genAttrs =
    names: f:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );

  importJSON = file: builtins.fromJSON (builtins.readFile file);

  getExe = package: "${package}/bin/${package.meta.mainProgram}";

  fileset = {
    unions = builtins.concatMap (f: if builtins.isList f then f else [ f ]);
    # As nixpkgs: a folder is in the result when it holds a file of the set.
    toSource =
      { root, fileset }:
      let
        prefix = toString root + "/";
        relative = path: builtins.substring (builtins.stringLength prefix) (-1) (toString path);
        parents =
          path:
          let
            parent = dirOf path;
          in
          if parent == "." then [ ] else [ parent ] ++ parents parent;
        paths = map relative fileset;
        wanted = genAttrs (paths ++ builtins.concatMap parents paths) (_: true);
      in
      builtins.path {
        name = "source";
        path = root;
        filter = path: _: wanted ? ${relative path};
      };
  };
}
