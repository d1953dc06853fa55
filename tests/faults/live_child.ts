/** A serving agent in a process of its own, with the counting backends; killed by tests. Argument: its state folder. */
import { Agent } from "../../src/engine/agent.ts";
import { COUNTING } from "../e2e/live_sandbox.ts";

const agent = await Agent.open({ home: Deno.args[0] ?? "", load: [COUNTING] });
const serving = await agent.serve();
// What is followed, and in which epoch, one line whenever that is different.
let said = "";
setInterval(() => {
  const sessions = serving.live.list().map(({ epoch, dataset_uuid, seq }) => ({ epoch, dataset_uuid, seq }));
  const text = JSON.stringify(sessions);
  if (text !== said) console.log(said = text);
}, 20);
