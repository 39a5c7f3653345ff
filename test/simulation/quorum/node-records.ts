import type {
  ForgetStep,
  ListStep,
  NodeReply,
  RecordStep,
} from '../../../lib/stores/quorum/node-port.interface.js';
import type { OutcomeStep } from '../../../lib/stores/quorum/record-step-codec.js';
import type { NodeData } from './node-data.js';
import type { StepScene } from './node-steps.js';

const MARK_LENGTH = 8;
const RECORDED: NodeReply = { type: 'recorded' };

/** What a node keeps of what is done once. */
export class NodeRecords {
  readonly texts = new Map<string, { readonly text: string; readonly endsMs: number }>();
  /** By list: names, and until when they are listed; `Infinity` for ever. */
  readonly lists = new Map<string, Map<string, number>>();
  /** Those of which it is known that they are there. */
  readonly ids = new Set<string>();

  copy(): NodeRecords {
    const copy = new NodeRecords();
    for (const [name, record] of this.texts) copy.texts.set(name, record);
    for (const [id, names] of this.lists) copy.lists.set(id, new Map(names));
    for (const id of this.ids) copy.ids.add(id);
    return copy;
  }

  expire(nowMs: number): void {
    for (const [name, { endsMs }] of this.texts) if (nowMs > endsMs) this.texts.delete(name);
    for (const [id, names] of this.lists) {
      if (nowMs > Math.max(...names.values())) this.lists.delete(id);
    }
  }

  textOf(name: string): string {
    return this.texts.get(name)?.text ?? '';
  }

  enlist(id: string, name: string, ends: number, nowMs: number): void {
    const names = this.lists.get(id) ?? new Map<string, number>();
    this.lists.set(id, names.set(name, ends));
    this.ids.add(id);
    this.fit(id, nowMs);
  }

  unlist(id: string, name: string, nowMs: number): void {
    if (this.lists.get(id)?.delete(name)) this.fit(id, nowMs);
  }

  fit(id: string, nowMs: number): void {
    const names = this.lists.get(id);
    for (const [name, ends] of names ?? []) if (ends < nowMs) names!.delete(name);
    if (names && names.size > 0) return;
    this.lists.delete(id);
    this.ids.delete(id);
  }
}

/** A step of the script's about what is done once. What has expired is gone by now. */
export function takeOutcomeStep(step: OutcomeStep, scene: StepScene): NodeReply {
  const { records } = scene.data;
  switch (step.type) {
    case 'recall':
      return tell('recalled', step.name, scene.data);
    case 'record':
      return record(step, scene);
    case 'forget':
      return forget(step, scene);
    case 'list':
      return list(step, scene);
    case 'lists':
      return { type: 'listed', cursor: '0', names: [...records.ids] };
  }
}

const nowOf = ({ micros }: StepScene): number => Math.floor(micros / 1_000);

function tell(type: 'recalled' | 'unclaimed', name: string, data: NodeData): NodeReply {
  const held = data.leases.get(name);
  const who = { mark: held?.owner.slice(0, MARK_LENGTH) ?? '', fencingToken: held?.token ?? 0 };
  return { type, text: data.records.textOf(name), ...who };
}

function record(step: RecordStep, scene: StepScene): NodeReply {
  const { name, expected, next, from, to, claim, isKept } = step;
  const { data } = scene;
  const { records, leases } = data;
  const now = nowOf(scene);
  if (claim) {
    const held = leases.get(name);
    const isIts = held?.owner === claim.owner && held.token === claim.fencingToken;
    if (!isIts) return tell('unclaimed', name, data);
  }
  const present = records.textOf(name);
  if (present !== expected) return present === next ? RECORDED : tell('recalled', name, data);
  const endsMs = step.endsMs === 0 ? Infinity : step.endsMs;
  if (endsMs > now) records.texts.set(name, { text: next, endsMs });
  else records.texts.delete(name);
  if (from && from !== to) records.unlist(from, name, now);
  if (to) records.enlist(to, name, step.listedUntil === 0 ? Infinity : step.listedUntil, now);
  if (isKept) records.enlist('kept', name, endsMs, now);
  else records.unlist('kept', name, now);
  return RECORDED;
}

function forget({ name, expected }: ForgetStep, scene: StepScene): NodeReply {
  const { data } = scene;
  const present = data.records.textOf(name);
  if (present !== '' && present !== expected) return tell('recalled', name, data);
  data.records.texts.delete(name);
  data.records.unlist('kept', name, nowOf(scene));
  return RECORDED;
}

function list({ id }: ListStep, scene: StepScene): NodeReply {
  const { records } = scene.data;
  records.fit(id, nowOf(scene));
  return { type: 'listed', cursor: '0', names: [...(records.lists.get(id)?.keys() ?? [])] };
}
