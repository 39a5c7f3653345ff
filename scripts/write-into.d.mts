export function writeInto(page: URL, what: string, text: string): Promise<void>;
