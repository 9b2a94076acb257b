// Loads scripts of a page for tests in node. They are joined into one, as Python joins them for a page.

import { readFileSync } from "node:fs";

/** What the scripts define under these names. `world` has globals of a page that node lacks or that a test replaces. */
export function load(paths, names, world = {}) {
  const read = (path) => readFileSync(new URL(`../fal_notebook/${path}`, import.meta.url), "utf8");
  const code = paths.map(read).join("").replace(/^export default /m, "const exported = ");
  const body = `"use strict";${code}\nreturn { ${names.join(", ")} };\n//# sourceURL=${paths.join("+")}`;
  return new Function(...Object.keys(world), body)(...Object.values(world));
}
