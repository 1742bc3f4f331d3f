# An image as a program that prints a docker archive: one layer with the closure of the configuration, no base.
{
  lib,
  system,
  run,
}:
{
  name,
  tag,
  created,
  config,
}:
let
  architecture = if system == "aarch64-linux" then "arm64" else "amd64";
  base = builtins.toJSON {
    inherit architecture created config;
    os = "linux";
  };
  baseName = baseNameOf name;
  # The store paths that the configuration names, and all that these name.
  configuration = run "${baseName}-config" { inherit base; } ''printf %s "$base" > $out'';
  closure = run "${baseName}-closure" { exportReferencesGraph = [ "graph" configuration ]; } ''
    grep '^/' graph | sort --unique | grep --invert-match --line-regexp ${configuration} > $out
  '';
  archive = run "${baseName}-archive" { inherit base closure name tag; } ''
    mkdir -p image
    tar --create --file image/layer.tar --sort=name --format=gnu --mtime=@1 --owner=0 --group=0 --numeric-owner \
      --absolute-names --files-from "$closure"
    printf %s "$base" > base.json
    python3 - <<'PYTHON'
    import hashlib, json, os
    layer = hashlib.sha256(open("image/layer.tar", "rb").read()).hexdigest()
    config = json.load(open("base.json"))
    config["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + layer]}
    config["history"] = [{"created": config["created"]}]
    text = json.dumps(config, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest() + ".json"
    open("image/" + name, "w").write(text)
    manifest = [{"Config": name, "RepoTags": [os.environ["name"] + ":" + os.environ["tag"]], "Layers": ["layer.tar"]}]
    open("image/manifest.json", "w").write(json.dumps(manifest))
    PYTHON
    tar --create --file $out --directory image --sort=name --format=gnu --mtime=@1 --owner=0 --group=0 --numeric-owner .
  '';
in
run "stream-${baseName}" { inherit archive; } ''
  printf '#!/bin/bash\nexec cat %s\n' "$archive" > $out
  chmod +x $out
''
// {
  imageName = name;
  imageTag = tag;
  # For the check that every image is as documented, without building it.
  passthru = { inherit config created; };
}
