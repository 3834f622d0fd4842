// The direct client: node commands over the relay. `calls` is a list of [command, payload].
import { main, require } from "./client.mjs";

const { Client } = require("@threefold/rmb_direct_client");

await main(async (job) => {
  const client = new Client(job.chain, job.relay, job.secret, job.session, job.keyType, 5);
  await client.connect();
  const call = async ([command, payload]) => {
    try {
      const text = payload === null ? "" : JSON.stringify(payload);
      return { ok: await client.read(await client.send(command, text, job.nodeTwin, 1)) };
    } catch (error) {
      return { error: error.message };
    }
  };
  const answers = {};
  // Waves, because what comes later may need what came before; the client looks for answers once a second.
  for (const wave of job.waves)
    for (const [i, answer] of (await Promise.all(wave.map(call))).entries()) answers[wave[i][0]] = answer;
  const twin = client.twin;
  await client.disconnect();
  return { answers, pk: twin.pk, relay: twin.relay, nodePk: client.destTwin.pk };
});
