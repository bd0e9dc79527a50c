// Writes every published test vector of age (C2SP's CCTV, as npm `cctv-age` carries them), one file each.
import * as vectors from "cctv-age";
import { mkdirSync, writeFileSync } from "node:fs";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
for (const [name, bytes] of Object.entries(vectors)) {
  if (bytes instanceof Uint8Array) writeFileSync(`${folder}/${name}`, bytes);
}
