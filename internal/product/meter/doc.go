// Package meter counts what models cost and keeps it inside limits. It is the only way
// to a model: app hands out *Model, and nobody else may import the client.
//
// Terms. An attempt is one request to a model. Before it is sent its worst case is
// reserved against every budget the charge counts for: its run, its project, whoever
// started it and the team, locked in the order of their ids. Afterwards it is settled
// at what it used, voided, or, when nobody knows, written off by the sweeper at the
// price of its prompt. A budget is anything with an id that money is counted for; it has
// limits for a day in UTC and for a period, in money or in weighed tokens. The ledger
// has one row per attempt. A credit is a row that takes a call upon us. Weighed tokens
// are money divided by the price of one uncached input token of the standard class.
//
// Invariants.
//
//   - In each window of each budget, spent + reserved ≤ limit, at every instant, under
//     any concurrency and any crash. (A provider that bills more than was asked for, a
//     limit lowered below what was spent, and what a run borrowed ahead of a day's share
//     are the three ways to find a budget over it.)
//   - Reserving is one statement that commits by itself. Settling touches only the
//     call's own rows, so it can join any transaction. What was settled is folded into
//     the budgets every 250 ms and before a refusal. No other transaction locks a budget.
//   - spent = sum of the ledger, for every budget and window. The ledger is append-only;
//     every figure shown is a sum of it. A call under way is a reservation, so that
//     nothing is ever in neither.
//   - Unknown models are refused. Usage that is missing costs the whole reservation.
//   - Nothing that costs money starts before somebody has set the team's limits.
package meter
