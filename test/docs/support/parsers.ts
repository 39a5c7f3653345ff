import { parse as parseGraphql } from 'graphql';
import { FencedScript } from 'nestjs-locker/fencing';
import type { Block } from './markdown.js';
import { pglite } from './pglite.js';

type Parser = (text: string) => unknown;

const PARSERS: Readonly<Record<string, Parser>> = {
  json: (text) => JSON.parse(text) as unknown,
  graphql: parseGraphql,
  sql: async (text) => (await pglite()).exec(text),
  lua: (text) => new FencedScript(text),
};

/** Blocks that are neither TypeScript nor commands have to be something that can be read. */
export function parserOf({ file, line, language }: Block): Parser {
  const parser = PARSERS[language];
  if (parser) return parser;
  throw new Error(
    `${file}:${line}: nothing here reads "${language}". Write <!-- not checked: why --> before the block, or a parser.`,
  );
}
