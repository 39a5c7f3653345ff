export type ViolationKind =
  /** Two were certain to hold one name at the same time. */
  | 'overlap'
  /** More permits were held than there are. */
  | 'capacity'
  /** A token that came twice, or was no higher than one that was there before it was asked for. */
  | 'token order'
  /** A write behind the guard was overwritten by one that had not read it, or came after a newer token's. */
  | 'guard'
  /** A call that was not answered within its limit, or a process that did not end. */
  | 'hung'
  /** A holder whose process ran, and that was told of its loss only after somebody else had the name, or never. */
  | 'told late'
  /** A release that failed while nothing was the matter. */
  | 'failed release'
  /** A rejection that nobody handled, which ends an application by default. */
  | 'unhandled rejection'
  /** A key that is still there when all is over. */
  | 'key left';

/** When a lock was asked for and granted, in microseconds. */
export interface Grant {
  readonly askedAt: number;
  readonly at: number;
}

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
  readonly name?: string;
  /** Where it stands in the history, in microseconds. */
  readonly from: number;
  readonly to: number;
  /** How bad it was: for how long two held, by how much a call was late. */
  readonly ms: number;
  /** Where somebody came beside a holder: how that one, who was there first, had got it. */
  readonly first?: Grant;
}
