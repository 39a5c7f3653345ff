// node --import ./test/evidence/register.mjs <file>.ts: runs the harness as it is written, without a build of it.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
