# One image a program (the services, `vigie` for an operator's jobs, `krm-sops` for Argo CD): the program, what that program needs, and nothing else. There is no base image: the closure of
# the program is the base. The image says which source it was made of and never from which commit: a commit that does
# not touch that source gives the same bytes.
{
  lib,
  pkgs,
  sources,
  packages,
}:
let
  labels = name: hash: {
    "org.opencontainers.image.title" = "vigie/${name}";
    "org.opencontainers.image.version" = sources.version;
    "org.opencontainers.image.licenses" = "EUPL-1.2";
    "org.opencontainers.image.vendor" = "Vigie, not operated or endorsed by WHO or any authority";
    "vigie.source-hash" = hash;
  };
  env =
    source:
    {
      VIGIE_ADDR = "0.0.0.0:8080";
      VIGIE_ADMIN_ADDR = "0.0.0.0:9090";
      VIGIE_PROFILE = "/etc/vigie/profile.toml";
      VIGIE_SOURCE_HASH = source.hash;
    }
    // (if source.data == null then { } else { VIGIE_DATA_DIR = "${source.data}/data"; })
    // (
      if source.tools == [ ] then
        { }
      else
        { PATH = builtins.concatStringsSep ":" (map (tool: "${pkgs.pkgsStatic.${tool}}/bin") source.tools); }
    )
    // (if source.authorities then { SSL_CERT_FILE = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt"; } else { });
in
builtins.mapAttrs (
  name: source:
  let
    values = env source;
  in
  pkgs.dockerTools.streamLayeredImage {
    name = "vigie/${name}";
    # Nobody deploys by tag; without one the name of a store path would be in the archive.
    tag = "built";
    created = "1970-01-01T00:00:01Z";
    config = {
      Entrypoint = [ (lib.getExe packages.${name}) ];
      User = "10001:10001";
      WorkingDir = "/";
      StopSignal = "SIGTERM";
      Env = map (key: "${key}=${values.${key}}") (builtins.attrNames values);
      ExposedPorts = {
        "8080/tcp" = { };
        "9090/tcp" = { };
      };
      Labels = labels name source.hash;
    };
  }
) sources.programs
