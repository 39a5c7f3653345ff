// As docs/fencing.md shows it.
import type { ObjectStore } from 'nestjs-locker/fencing';

export function fetchObjectStore(url: string): ObjectStore {
  const urlOf = (key: string) => `${url}/${key.split('/').map(encodeURIComponent).join('/')}`;
  return {
    async get(key) {
      const response = await fetch(urlOf(key));
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`GET ${key}: ${response.status}`);
      const body = new Uint8Array(await response.arrayBuffer());
      return { etag: response.headers.get('etag') ?? '', body };
    },

    async put(key, body, { ifMatch, ifNoneMatch }) {
      const headers = new Headers();
      if (ifMatch) headers.set('If-Match', ifMatch);
      if (ifNoneMatch) headers.set('If-None-Match', ifNoneMatch);
      const response = await fetch(urlOf(key), { method: 'PUT', body, headers });
      if (response.status === 412 || response.status === 409) return false;
      if (response.status === 404 && ifMatch) return false; // deleted meanwhile
      if (!response.ok) throw new Error(`PUT ${key}: ${response.status}`);
      return true;
    },
  };
}
