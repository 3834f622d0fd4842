// The grid client: machines as its users make them. One step per run, in the order of a user's day.
import { main, require } from "./client.mjs";

const { GridClient } = require("@threefold/grid_client");

function machine(job, changes = {}) {
  return {
    name: job.name,
    network: { name: job.network, ip_range: "10.20.0.0/16", addAccess: false },
    machines: [{
      name: "vm1", node_id: job.node, flist: job.flist, cpu: 1, memory: 256, rootfs_size: 1,
      disks: [{ name: "data", size: 1, mountpoint: "/data" }],
      public_ip: false, public_ip6: false, planetary: false, mycelium: false,
      entrypoint: "/bin/hello", env: { GREETING: "hello" }, ...changes }],
    metadata: "{}", description: "a machine" };
}

const steps = {
  deploy: async (grid, job) => await grid.machines.deploy(machine(job)),
  get: async (grid, job) => await grid.machines.getObj(job.name),
  list: async (grid) => await grid.machines.list(),
  add: async (grid, job) => await grid.machines.add_machine({
    ...machine(job).machines[0], name: "vm2", deployment_name: job.name,
    disks: [{ name: "more", size: 1, mountpoint: "/data" }] }),
  drop: async (grid, job) => await grid.machines.delete_machine({ name: "vm2", deployment_name: job.name }),
  contracts: async (grid) => await grid.contracts.listMyContracts(),
  nodes: async (grid) => await grid.capacity.filterNodes({ mru: 0.25, sru: 1 }),
  ping: async (grid, job) => await grid.zos.pingNode({ nodeId: job.node }),
  statistics: async (grid, job) => await grid.zos.getNodeStatistics({ nodeId: job.node }),
  deployment: async (grid, job) => await grid.zos.getDeployment({ contractId: job.contract }),
  cancelAll: async (grid) => await grid.contracts.cancelMyContracts(),
  delete: async (grid, job) => await grid.machines.delete({ name: job.name }),
};

await main(async (job) => {
  const grid = new GridClient({
    network: "dev", mnemonic: job.secret, storeSecret: "secret", keypairType: job.keyType, deploymentTimeoutMinutes: 4,
    substrateURL: job.chain, relayURL: job.relay, proxyURL: job.http, graphqlURL: `${job.http}/graphql`,
    activationURL: `${job.http}/activation/activate` });
  await grid.connect();
  const answers = {};
  for (const step of job.steps) {
    const begin = Date.now();
    answers[step] = { result: await steps[step](grid, job), ms: Date.now() - begin };
  }
  await grid.disconnect();
  return answers;
});
