import { S3Client } from '@aws-sdk/client-s3';
import { afterTest } from '../../support/lock-service.js';
import { ObjectServer } from '../../support/object-server.js';
import type base from './base.js';

/** The SDK of S3, with the object server of the tests on the other side. */
export default async function s3({ locks }: Awaited<ReturnType<typeof base>>) {
  const server = await ObjectServer.start();
  afterTest(() => server.stop());
  const client = new S3Client({
    endpoint: server.url,
    region: 'here',
    forcePathStyle: true,
    credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
  });
  afterTest(() => client.destroy());
  return { s3: client, lock: await locks.acquire('report') };
}
