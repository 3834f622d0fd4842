// The chain client: a twin's and its contracts' life on the ledger.
import { main, refusal, require } from "./client.mjs";

const { Client, QueryClient } = require("@threefold/tfchain_client");

const hash = (n) => n.toString(16).padStart(32, "0");

async function connected(job, secret) {
  const client = new Client({ url: job.chain, mnemonicOrSecret: secret, keypairType: job.keyType });
  await client.connect();
  return client;
}

async function newTwin(job) {
  const client = await connected(job, job.secret);
  await (await client.termsAndConditions.accept({ documentLink: "https://example.org", documentHash: "0" })).apply();
  const made = await (await client.twins.create({ relay: job.relay })).apply();
  const id = await client.twins.getMyTwinId();
  const again = await refusal((await client.twins.create({ relay: job.relay })).apply());
  const updated = await (await client.twins.update({ relay: "relay.example.org" })).apply();
  return { client, made, id, again, updated, twin: await client.twins.get({ id }) };
}

async function contracts(client, nodeId) {
  const create = (n, data = "{}") =>
    client.contracts.createNode({ nodeId, hash: hash(n), data, numberOfPublicIps: 0 });
  const made = await (await create(1, '{"type":"vm"}')).apply();
  const id = made.contractId;
  const twice = await refusal((await create(1)).apply());
  const updated = await (await client.contracts.updateNode({ id, hash: hash(2), data: "new" })).apply();
  const byHash = await client.contracts.getContractIdByNodeIdAndHash({ nodeId, hash: hash(2) });
  const active = await client.contracts.getActiveContracts({ nodeId });
  const name = await (await client.contracts.createName({ name: "my-site" })).apply();
  const taken = await refusal((await client.contracts.createName({ name: "my-site" })).apply());
  const byName = await client.contracts.getContractIdByName({ name: "my-site" });
  const batch = await client.applyAllExtrinsics([await create(3), await create(4)]);
  const broken = await refusal(client.applyAllExtrinsics([await create(5), await create(3)]));
  const rollback = await client.contracts.getContractIdByNodeIdAndHash({ nodeId, hash: hash(5) });
  const foreign = await refusal((await client.contracts.createNode({
    nodeId: 999, hash: hash(9), data: "", numberOfPublicIps: 0 })).apply());
  const all = [id, name.contractId, ...batch.map((c) => c.contractId)];
  const cancels = await Promise.all(all.map((one) => client.contracts.cancel({ id: one })));
  const cancelled = await client.applyAllExtrinsics(cancels);
  const after = await client.contracts.get({ id });
  return { made, twice, updated, byHash, active, name, taken, byName, batch, broken, rollback, foreign, all, cancelled, after };
}

await main(async (job) => {
  const { client, ...twin } = await newTwin(job);
  const query = new QueryClient(job.chain);
  const reads = {
    balance: await client.balances.getMyBalance(),
    node: await query.nodes.get({ id: job.node }),
    farm: await query.farms.get({ id: job.farm }),
    missing: await query.twins.get({ id: 4_000_000 }),
    deletion: await query.contracts.getDeletionTime({ id: 4_000_000 }),
  };
  const events = [];
  const heard = query.listenForEvent("smartContractModule", "NodeContractCanceled", (data) => {
    events.push(data.toPrimitive());
    return true;
  });
  const result = { ...twin, reads, contracts: await contracts(client, job.node) };
  await heard;
  await client.disconnect();
  return { ...result, events };
});
