/** `hold` for libraries that renew a lock only while a routine of theirs runs. */
export const holdWithin = (using) => ({
  hold: (name) =>
    new Promise((resolve, reject) => {
      using(name, (signal) => {
        resolve(signal);
        return new Promise(() => undefined);
      }).catch(reject);
    }),
  isLost: (signal) => signal.aborted,
});
