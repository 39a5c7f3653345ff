/**
 * An object as it is stored.
 *
 * @example
 * const stored: StoredObject = { etag: '"9a0364b9e99bb480dd25e1f0284c8555"', body: new Uint8Array() };
 */
export interface StoredObject {
  /** What `If-Match` takes: of the same answer as the body. A generation number will do as well. */
  readonly etag: string;
  readonly body: Uint8Array;
}

/**
 * What must be true at the moment of a put: that the object has this ETag, or that there is none.
 *
 * @example
 * const condition: PutCondition = { ifNoneMatch: '*' };
 */
export type PutCondition =
  | { readonly ifMatch: string; readonly ifNoneMatch?: undefined }
  | { readonly ifMatch?: undefined; readonly ifNoneMatch: '*' };

/**
 * What `fencedPut` needs of an object store that honours conditional writes, such as S3, R2, MinIO, Google
 * Cloud Storage or Azure Blob Storage. Bytes go in and out as they are: the token is among them.
 *
 * @example
 * const urlOf = (key: string) => `${url}/${key.split('/').map(encodeURIComponent).join('/')}`;
 * const store: ObjectStore = {
 *   async get(key) {
 *     const response = await fetch(urlOf(key));
 *     if (response.status === 404) return null;
 *     if (!response.ok) throw new Error(`GET ${key}: ${response.status}`);
 *     const body = new Uint8Array(await response.arrayBuffer());
 *     return { etag: response.headers.get('etag')!, body };
 *   },
 *   async put(key, body, { ifMatch, ifNoneMatch }) {
 *     const condition = ifMatch ? ['If-Match', ifMatch] : ['If-None-Match', ifNoneMatch!];
 *     const headers = new Headers([condition as [string, string]]);
 *     const response = await fetch(urlOf(key), { method: 'PUT', body, headers });
 *     if (response.status === 412 || response.status === 409) return false;
 *     if (response.status === 404 && ifMatch) return false; // deleted meanwhile
 *     if (!response.ok) throw new Error(`PUT ${key}: ${response.status}`);
 *     return true;
 *   },
 * };
 */
export interface ObjectStore {
  /** The object, never from a cache; `null` if there is none. */
  get(key: string): Promise<StoredObject | null>;
  /**
   * Writes it if the condition holds, which the store must decide in one step with the write.
   *
   * @returns whether it did: `false` for 412, for the 409 by which S3 tells of another write under way, and for
   *   the 404 by which it tells that the object of `ifMatch` is gone
   */
  put(key: string, body: Buffer, condition: PutCondition): Promise<boolean>;
}
