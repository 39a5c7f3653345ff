// Numbers and times as people read them.
const whole = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export const number = (value) => whole.format(value);

export const plural = (count, noun, nouns = `${noun}s`) =>
  `${number(count)} ${count === 1 ? noun : nouns}`;

export function rate(value) {
  if (value === 0) return '0';
  return value < 10 ? value.toFixed(1) : number(Math.round(value));
}

/** A time that has passed, in its two largest units. */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (days > 0) return `${number(days)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** A time that is measured. */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return age(ms);
}

export const ago = (ms) => (ms < 1_500 ? 'just now' : `${age(ms)} ago`);

export const timeOfDay = (at) => clock.format(at);

export const dateAndTime = (at) => full.format(at);

/** What cannot be seen in a name, or changes how the rest is seen, is shown as a symbol of it. */
export const visible = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '␡' : '�';
  });

/** Whether a name can be typed: what is long, or cannot be seen, nobody types right. */
export const canBeTyped = (name) => name.length <= 80 && /^[!-~]([ -~]*[!-~])?$/.test(name);
