import { Injectable } from '@nestjs/common';

/** The settings of one replica, from its environment. */
@Injectable()
export class WorkerConfig {
  readonly replica = process.env['REPLICA'] ?? 'replica';
  readonly authorityUrl = required('TAX_AUTHORITY_URL');
  readonly invoicesFile = required('INVOICES_FILE');
  /** How many lines of the file are pending. */
  readonly invoices = Number(process.env['INVOICES'] ?? 1_000);
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`The environment variable ${name} is not set.`);
  return value;
}
