# The image as an OCI layout, and its digest as a file. The digest of an image is that of its compressed layers, so the
# compressor is part of it: layers are compressed here, once, by the skopeo of flake.lock, and pushed as they are
# (`skopeo copy --preserve-digests`). Result: layout/ and digest, the text `sha256:…` without a line end.
{ pkgs, images }:
builtins.mapAttrs (
  name: stream:
  pkgs.runCommand "oci-vigie-${name}"
    {
      nativeBuildInputs = [
        pkgs.jq
        pkgs.skopeo
      ];
    }
    ''
      ${stream} > image.tar
      echo '{"default":[{"type":"insecureAcceptAnything"}]}' > policy.json
      mkdir -p $out
      skopeo --policy policy.json --tmpdir . copy --quiet docker-archive:image.tar oci:$out/layout:latest
      jq --join-output --raw-output '.manifests[0].digest' $out/layout/index.json > $out/digest
      grep --quiet --extended-regexp '^sha256:[0-9a-f]{64}$' $out/digest
    ''
) images
