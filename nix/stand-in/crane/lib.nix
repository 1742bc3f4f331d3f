{ pkgs, toolchain }:
let
  inherit (builtins) filter fromTOML readFile;
  run = pkgs.runCommand;
  # cargo in the source's folder, with the crates of the lock file and without network.
  cargo =
    arguments: script:
    run (arguments.pname + "-" + arguments.version)
      {
        inherit (arguments) src;
        vendor = arguments.cargoVendorDir or "";
        nativeBuildInputs = [ toolchain ] ++ arguments.nativeBuildInputs or [ ];
        CARGO_INCREMENTAL = "0";
      }
      ''
        cp -r "$src" source && chmod -R u+w source && cd source
        export CARGO_HOME=$PWD/../cargo CARGO_TARGET_DIR=$PWD/../target HOME=$PWD/..
        # As the real one, which removes them from the result: a path of the sources in a message would bring all of
        # the sources into the image.
        export RUSTFLAGS="--remap-path-prefix=$vendor=/vendor --remap-path-prefix=${toolchain}=/rust"
        mkdir -p "$CARGO_HOME"
        if [ -n "$vendor" ]; then
          printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "%s"\n' "$vendor" \
            > "$CARGO_HOME/config.toml"
        fi
        ${arguments.postPatch or ""}
        ${script}
      '';
in
{
  # Each crate of the lock file by its checksum: it must be in the store already, nothing is fetched.
  vendorCargoDeps =
    { cargoLock }:
    let
      lock = fromTOML (readFile cargoLock);
      crates = filter (package: package ? checksum) lock.package;
      crate =
        package:
        derivation {
          name = "${package.name}-${package.version}.crate";
          inherit (pkgs) system;
          builder = "/bin/false";
          outputHashMode = "flat";
          outputHashAlgo = "sha256";
          outputHash = package.checksum;
        };
      line = package: "${crate package} ${package.name}-${package.version} ${package.checksum}";
    in
    run "vendor" { lines = builtins.concatStringsSep "\n" (map line crates); } ''
      mkdir -p $out && cd $out
      while read -r file folder checksum; do
        tar --extract --gzip --no-same-owner --file "$file"
        printf '{"files":{},"package":"%s"}' "$checksum" > "$folder/.cargo-checksum.json"
      done <<< "$lines"
    '';

  # The real one compiles dependencies only. Here it is everything, once.
  buildDepsOnly =
    arguments:
    cargo arguments ''
      cargo build --release --locked --offline --workspace --bins
      mkdir -p $out/bin
      find ../target/release -maxdepth 1 -type f -perm -u+x -exec cp {} $out/bin/ \;
    '';

  buildPackage =
    arguments:
    run "${arguments.pname}-${arguments.version}"
      {
        # The real one builds from this source: it must exist here too, though the program comes from the one build.
        inherit (arguments) src cargoArtifacts cargoExtraArgs postPatch;
        program = arguments.meta.mainProgram;
      }
      ''
        mkdir -p $out/bin
        cp "$cargoArtifacts/bin/$program" $out/bin/
      ''
    // {
      inherit (arguments) meta;
      passthru = { inherit (arguments) src; };
    };

  cargoClippy =
    arguments: cargo (arguments // { pname = "vigie-clippy"; }) "cargo clippy --release ${arguments.cargoClippyExtraArgs}; touch $out";
  cargoFmt = arguments: cargo (arguments // { pname = "vigie-fmt"; }) "cargo fmt --all --check; touch $out";
  cargoDeny = arguments: cargo (arguments // { pname = "vigie-deny"; }) "cargo deny --offline check bans licenses sources; touch $out";
  cargoTest =
    arguments:
    cargo (arguments // { pname = "vigie-test"; }) ''
      TMPDIR=$NIX_BUILD_TOP
      ${arguments.preCheck}
      cargo test --release --locked --offline ${arguments.cargoTestExtraArgs}
      ${arguments.postCheck}
      touch $out
    '';
  devShell = pkgs.mkShell;
}
