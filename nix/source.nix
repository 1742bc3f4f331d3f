# Which files a program is made of, and their hash. A program's source is the workspace's manifests, its own folder and
# those of the local crates that it depends on: a change elsewhere (another service, a manifest of a cluster, a page of
# docs/) gives the same source, the same hash and the same image.
#
# The rules are data, in source.json; e2e/nix/source.py reads the same file and must find the same hashes.
{ lib, root }:
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    hasAttr
    pathExists
    ;
  rules = lib.importJSON ./source.json;
  at = path: root + "/${path}";
  toml = path: fromTOML (builtins.readFile (at path));

  # Regular files below a folder, as paths from the root. Links are left out: none is followed out of the tree.
  below =
    dir:
    let
      entries = builtins.readDir (at dir);
    in
    concatMap (
      name:
      {
        directory = below "${dir}/${name}";
        regular = [ "${dir}/${name}" ];
      }
      .${entries.${name}} or [ ]
    ) (attrNames entries);

  folders =
    group:
    map (name: "${group}/${name}") (
      filter (name: pathExists (at "${group}/${name}/Cargo.toml")) (attrNames (builtins.readDir (at group)))
    );
  members = concatMap folders rules.groups;
  manifest = member: toml "${member}/Cargo.toml";
  table = (toml "Cargo.toml").workspace.dependencies;

  # The local crates that a member names: those that have a path in the workspace's table.
  needs =
    member:
    let
      m = manifest member;
      named = attrNames ((m.dependencies or { }) // (m.build-dependencies or { }));
    in
    map (name: table.${name}.path) (filter (name: (table.${name} or { }) ? path) named);
  closure =
    member:
    map (item: item.key) (
      builtins.genericClosure {
        startSet = [ { key = member; } ];
        operator = item: map (key: { inherit key; }) (needs item.key);
      }
    );

  # A member's folder, without what no build reads, and the files of others that its code includes.
  own =
    member:
    let
      entries = builtins.readDir (at member);
      kept = filter (name: !elem name rules.never) (attrNames entries);
    in
    concatMap (
      name: if entries.${name} == "directory" then below "${member}/${name}" else [ "${member}/${name}" ]
    ) kept
    ++ rules.borrows.${member} or [ ];

  unique =
    list:
    attrNames (
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) list
      )
    );
  sorted = builtins.sort (a: b: a < b);
  # The same text as `sha256sum` prints for these files in the order of the C locale, hashed once more.
  hash =
    files:
    builtins.hashString "sha256" (
      concatStringsSep "" (map (file: "${builtins.hashFile "sha256" (at file)}  ${file}\n") (sorted files))
    );
  toSource =
    files:
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions (map at files);
    };

  # Cargo reads every member's manifest and wants the file of each target that one declares, also of members that it
  # does not build: those files are empty ones. `tests` folders are not part of a source, their declarations are.
  declared =
    member:
    let
      m = manifest member;
      targets =
        kind: folder:
        map (target: "${member}/${target.path or "${folder}/${target.name}.rs"}") (m.${kind} or [ ]);
    in
    targets "bin" "src/bin"
    ++ targets "bench" "benches"
    ++ targets "example" "examples"
    ++ targets "test" "tests";
  stubs =
    built: files:
    let
      outside = filter (member: !elem member built) members;
    in
    filter (file: !elem file files) (map (member: "${member}/src/main.rs") outside ++ concatMap declared members);

  program =
    member:
    let
      name = baseNameOf member;
      built = closure member;
      files = unique (
        rules.root ++ map (m: "${m}/Cargo.toml") (filter (m: !elem m built) members) ++ concatMap own built
      );
      carried = concatMap below (rules.carries.${name} or [ ]);
    in
    {
      inherit name member;
      src = toSource files;
      stubs = stubs built files;
      hash = hash (files ++ carried);
      data = if carried == [ ] then null else toSource carried;
      # It opens TLS connections, so its image carries certificate authorities.
      authorities = elem name rules.authorities;
      # It is run in an image that is not ours.
      static = elem name rules.static;
      tools = rules.tools.${name} or [ ];
    };
  named = list: builtins.listToAttrs (map (member: {
    name = baseNameOf member;
    value = program member;
  }) list);
in
{
  # The whole workspace: dependencies are built from it once for all programs.
  workspace = toSource (rules.root ++ concatMap own members);
  # What the checks read beside: integration tests, the extract, the countries.
  tests = toSource (rules.root ++ filter (f: pathExists (at f)) rules.lint ++ concatMap below rules.tests);
  # What `vigie up` reads at run time.
  platform = toSource (
    concatMap (
      dir:
      if hasAttr dir (lib.genAttrs rules.groups (_: null)) then
        concatMap (m: if pathExists (at "${m}/deploy") then below "${m}/deploy" else [ ]) (folders dir)
      else
        below dir
    ) rules.platform
  );
  programs = named (folders rules.services ++ rules.commands);
  # As files of the tree: they are read while evaluating, where a filtered source may not exist yet.
  lock = at "Cargo.lock";
  version = (toml "Cargo.toml").workspace.package.version;
}
