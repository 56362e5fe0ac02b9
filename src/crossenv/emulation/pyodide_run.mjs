// Runs Pyodide's interpreter like any other: node pyodide_run.mjs JOB [ARGUMENT...]. JOB is JSON: the path of
// pyodide.mjs, and the directories for sys.path. This machine's directories are there under their own names, except
// those that Pyodide has of its own.
import { readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const [job, ...words] = process.argv.slice(2);
const { module, path } = JSON.parse(job);
const OWN = new Set(["dev", "lib", "proc", "sys"]);

const { loadPyodide } = await import(pathToFileURL(module));
const python = await loadPyodide({
  args: words,
  env: { HOME: "/", ...process.env, PYTHONPATH: path.join(":"), PYTHONINSPECT: "" },
  indexURL: dirname(module),
  fullStdLib: false,
});
for (const name of readdirSync("/")) {
  try {
    if (OWN.has(name) || !statSync(`/${name}`).isDirectory()) continue;
    python.FS.mkdirTree(`/${name}`);
    python.FS.mount(python.FS.filesystems.NODEFS, { root: `/${name}` }, `/${name}`);
  } catch {
    // What this user may not see is not there.
  }
}
try {
  python.FS.chdir(process.cwd());
} catch {
  python.FS.chdir("/");
}
// Their directories were not there when it looked.
python.runPython("import sys; sys.path_importer_cache.clear()");
let status;
try {
  status = python._module._run_main();
} catch (error) {
  if (error?.status === undefined) {
    console.error(error);
    if (error instanceof WebAssembly.RuntimeError && error.message.includes("signature mismatch")) {
      console.error(
        "crossenv: hint: C called a function through a pointer of another type, which WebAssembly refuses and other" +
          " machines forgive: look for a cast, such as a tp_clear that returns nothing",
      );
    }
    status = 70;
  } else {
    status = error.status;
  }
}
process.exit(status);
