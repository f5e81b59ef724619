// Runs durable steps of LangGraph.js with its PostgreSQL checkpointer, for p7.
// Arguments: folder of the database's socket, port, user, database, bytes of a
// result. Each line on standard input is a number of
// steps for a new thread; the answer is one line, the milliseconds of each step.
import { createInterface } from 'node:readline';
import { randomBytes, randomUUID } from 'node:crypto';
import { Annotation, StateGraph, START, END } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';

const [host, port, user, database, size] = process.argv.slice(2), bytes = Number(size);
const pool = new pg.Pool({ host, port, user, database });
const saver = new PostgresSaver(pool, undefined, { schema: 'langgraph' });
await saver.setup();

// The best case: the state holds the newest result only, so that a step does not
// write what earlier ones wrote.
const State = Annotation.Root({ left: Annotation(), output: Annotation() });
const pieces = Array.from({ length: 64 }, () => randomBytes(Math.ceil(bytes * 3 / 4)).toString('base64').slice(0, bytes));
let begun = [];
const graph = new StateGraph(State)
  .addNode('step', ({ left }) => {
    begun.push(performance.now());
    return { left: left - 1, output: pieces[left % pieces.length] };
  })
  .addEdge(START, 'step')
  .addConditionalEdges('step', ({ left }) => (left > 0 ? 'step' : END))
  .compile({ checkpointer: saver });

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const steps = Number(line);
  begun = [];
  // sync: a step begins when the one before it is stored, as ours do. One more step
  // than asked for, because a step ends where the next one begins.
  await graph.invoke({ left: steps + 1, output: '' }, {
    configurable: { thread_id: randomUUID() }, recursionLimit: steps + 10, durability: 'sync',
  });
  console.log(JSON.stringify(begun.slice(1).map((at, i) => at - begun[i])));
}
await pool.end();
