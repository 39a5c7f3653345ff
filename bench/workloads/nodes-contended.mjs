import { againstOthers, fiveNodes } from '../support/five-nodes.mjs';
import contended from './contended.mjs';

export default {
  ...contended,
  ...fiveNodes,
  name: 'nodes-contended',
  title: `five nodes: ${contended.title}`,
  repetitions: 2,
  targets: [againstOthers],
};
