// What all of these scripts share: the job from the command line, the answer on standard output,
// everything that the client packages print on standard error.
import { createRequire } from "node:module";

// The packages' modules for `import` do not load in Node.js: they are for bundlers.
export const require = createRequire(import.meta.url);

const job = JSON.parse(process.argv[2]);
const print = process.stdout.write.bind(process.stdout);
for (const level of ["log", "info", "debug", "warn"])
  console[level] = (...words) => process.stderr.write(words.join(" ") + "\n");

/** Runs `work(job)` and prints what it gives as one line of JSON. */
export async function main(work) {
  try {
    const answer = await work(job);
    print(JSON.stringify(answer ?? null) + "\n", () => process.exit(0));
  } catch (error) {
    process.stderr.write((error?.stack ?? String(error)) + "\n");
    process.exit(1);
  }
}

/** The message of what `promise` throws; fails when it does not. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error.keyError ?? error.message ?? String(error);
  }
  throw new Error("this should have been refused");
}
