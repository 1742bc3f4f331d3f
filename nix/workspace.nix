# The programs and the checks. Dependencies are compiled once, for all of them.
{
  pkgs,
  system,
  craneLibFor,
  sources,
}:
let
  craneLib = craneLibFor [ ];
  common = {
    pname = "vigie";
    inherit (sources) version;
    src = sources.workspace;
    strictDeps = true;
  };
  vendored = common // {
    # From the lock file of the whole workspace: the same folder whatever is built.
    cargoVendorDir = craneLib.vendorCargoDeps { cargoLock = sources.lock; };
  };
  cargoArtifacts = craneLib.buildDepsOnly (
    vendored
    // {
      # Cargo's own cache of `rustc -vV`: its keys come in another order in each build.
      preInstall = "rm -f target/.rustc_info.json";
    }
  );

  # A program that another image runs must not need the libraries of its own: it is linked with musl, whole.
  static =
    let
      target = "${builtins.head (builtins.match "([^-]+)-.*" system)}-unknown-linux-musl";
    in
    rec {
      craneLib = craneLibFor [ target ];
      environment = {
        CARGO_BUILD_TARGET = target;
        CARGO_BUILD_RUSTFLAGS = "-C target-feature=+crt-static";
      };
      artifacts =
        name:
        craneLib.buildDepsOnly (
          vendored
          // environment
          // {
            cargoExtraArgs = "--locked -p ${name}";
            doCheck = false;
            preInstall = "rm -f target/.rustc_info.json";
          }
        );
    };

  program =
    name: source:
    (if source.static then static.craneLib else craneLib).buildPackage (
      vendored
      // (if source.static then static.environment else { })
      // {
        cargoArtifacts = if source.static then static.artifacts name else cargoArtifacts;
        pname = "vigie-${name}";
        inherit (source) src;
        postPatch = builtins.concatStringsSep "" (
          map (file: ''
            mkdir -p ${dirOf file}
            echo 'fn main() {}' > ${file}
          '') source.stubs
        );
        cargoExtraArgs = "--locked -p ${name}";
        # Tests are a check of their own, with a database.
        doCheck = false;
        meta.mainProgram = name;
      }
    );

  tested = vendored // {
    src = sources.tests;
    inherit cargoArtifacts;
  };
in
{
  packages = builtins.mapAttrs program sources.programs;

  checks = {
    clippy = craneLib.cargoClippy (tested // { cargoClippyExtraArgs = "--workspace --all-targets -- -D warnings"; });
    fmt = craneLib.cargoFmt {
      inherit (common) pname version;
      src = sources.tests;
    };
    deny = craneLib.cargoDeny (vendored // { src = sources.tests; });
    test = craneLib.cargoTest (
      tested
      // {
        cargoTestExtraArgs = "--workspace";
        nativeBuildInputs = [ pkgs.postgresql_17 ];
        # Each database test makes a database of its own in this server, which lives as long as the check.
        preCheck = ''
          export PGDATA=$TMPDIR/postgresql PGHOST=$TMPDIR
          initdb --username=vigie --auth=trust --encoding=UTF8 --locale=C > /dev/null
          pg_ctl --wait --silent --log=$TMPDIR/postgresql.log \
            --options="-c listen_addresses= -c unix_socket_directories=$PGHOST -c fsync=off -c max_connections=200" start
          export DATABASE_URL="postgres://vigie@localhost/postgres?host=$PGHOST"
        '';
        postCheck = "pg_ctl --silent --mode=immediate stop";
      }
    );
  };
}
