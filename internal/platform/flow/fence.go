package flow

// ClaimSQL is for statements that must not be carried out for somebody who lost a node,
// such as reserving money. It yields one row while the node @node of the run @run is held
// at @epoch, and none otherwise. Its lock makes pausing, ending and taking over wait for
// the statement around it, so that nothing is carried out after they have committed. Use
// it in a CTE of its own, AS MATERIALIZED.
const ClaimSQL = `SELECT 1 FROM node WHERE id = @node AND run_id = @run AND epoch = @epoch AND state = 'running' FOR SHARE`
