import { harmedNode } from '../support/harmed-node.mjs';

export default harmedNode({
  name: 'nodes-one-killed',
  title: 'five nodes, one of which is killed when all are warm: one caller in turn from then on',
  harm: (node) => node.kill(),
});
