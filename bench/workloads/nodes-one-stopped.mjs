import { harmedNode } from '../support/harmed-node.mjs';

export default harmedNode({
  name: 'nodes-one-stopped',
  title:
    'five nodes, one of which stands still (SIGSTOP) when all are warm: one caller in turn from then on',
  harm: (node) => node.standStill(),
});
