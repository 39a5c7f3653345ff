import { spawnSync } from 'node:child_process';

/** Whom a server runs as: nobody in particular means the one who runs the tests. */
export interface PlainUser {
  uid?: number;
  gid?: number;
}

const idOfNobody = (which: string): number =>
  Number(spawnSync('id', [which, 'nobody'], { encoding: 'utf8' }).stdout);

/** The user for servers that refuse to run as root. */
export function plainUser(): PlainUser {
  return process.getuid?.() === 0 ? { uid: idOfNobody('-u'), gid: idOfNobody('-g') } : {};
}

/** Gives files to the user, a directory with all that is in it. */
export function giveTo({ uid, gid }: PlainUser, path: string): void {
  if (uid !== undefined) spawnSync('chown', ['-R', `${uid}:${gid}`, path]);
}
