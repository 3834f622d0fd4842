// The chain client alone: cancels one contract, and says when the chain had it.
import { main, require } from "./client.mjs";

const { Client } = require("@threefold/tfchain_client");

await main(async (job) => {
  const client = new Client({ url: job.chain, mnemonicOrSecret: job.secret, keypairType: job.keyType });
  await client.connect();
  const cancel = await client.contracts.cancel({ id: job.contract });
  await cancel.apply();
  const applied_ms = Date.now();
  await client.disconnect();
  return { applied_ms };
});
