// A page's code as a page has it, joined and without imports, for tests in node.

import { readFileSync } from "node:fs";

/** What these pieces define under these names; the `world` is what a page has and node has not, or has otherwise. */
export function load(paths, names, world = {}) {
  const read = (path) => readFileSync(new URL(`../fal_notebook/${path}`, import.meta.url), "utf8");
  const code = paths.map(read).join("").replace(/^export default /m, "const exported = ");
  const body = `"use strict";${code}\nreturn { ${names.join(", ")} };\n//# sourceURL=${paths.join("+")}`;
  return new Function(...Object.keys(world), body)(...Object.values(world));
}
