import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import { Controller, Post, UseGuards } from '@nestjs/common';
import fc from 'fast-check';
import { StaleFencingTokenError } from 'nestjs-locker';
import { FencingToken, FencingTokenGuard } from 'nestjs-locker/fencing';
import { mayTellStaleToken, parseJson, staleTokenOf } from '../../lib/fencing/http/stale-answer.js';
import { type Platform, startHttpApp } from '../nest/fixtures/app.js';
import { anyValue, nastyText, runs } from './support/fuzzing.js';
import { headerValue, sendRaw } from './support/raw-http.js';

@Controller()
class InvoiceController {
  @Post('guarded')
  @UseGuards(FencingTokenGuard)
  guarded(): object {
    return { token: 'any' };
  }

  @Post('required')
  required(@FencingToken() token: number): object {
    return { token };
  }

  @Post('optional')
  optional(@FencingToken({ optional: true }) token?: number): object {
    return { token: token ?? null };
  }
}

describe.each<Platform>(['express', 'fastify'])(
  'the header of a fencing token on %s',
  (platform) => {
    it('is a token or is refused with 400 or 428', async () => {
      const { url } = await startHttpApp({ controllers: [InvoiceController] }, platform);
      const token = fc.oneof(
        fc.bigInt({ min: 0n, max: 2n ** 60n }).map(String),
        fc.constantFrom(
          '',
          '0',
          '01',
          '-1',
          '+1',
          '1.0',
          '1e3',
          '0x1',
          ' 1',
          '1 ',
          '1,2',
          '1;',
          '١',
          String(2 ** 53),
          String(2 ** 53 - 1),
        ),
        fc.oneof(nastyText(), fc.string({ unit: 'binary' })).map(headerValue),
      );
      const property = fc.asyncProperty(
        fc.constantFrom('guarded', 'required', 'optional'),
        fc.array(token, { maxLength: 2 }),
        fc.option(fc.oneof(nastyText(), fc.constantFrom('*', '"1"', 'W/"1"')).map(headerValue)),
        async (route, tokens, ifMatch) => {
          const headers = [
            ...tokens.map((value) => `Fencing-Token: ${value}`),
            ...(ifMatch === null ? [] : [`If-Match: ${ifMatch}`]),
          ];
          const { status, body } = await sendRaw(url, `POST /${route}`, headers);
          const [sent] = tokens;
          const text = sent?.replace(/^[ \t]+|[ \t]+$/g, '');
          const isToken =
            tokens.length === 1 && /^[1-9]\d*$/.test(text!) && Number.isSafeInteger(Number(text));
          const none = route === 'optional' ? 201 : 428;
          const expected = isToken ? 201 : tokens.length > 0 ? 400 : none;
          expect([status, tokens]).toEqual([expected, tokens]);
          const told = route === 'guarded' ? 'any' : Number(text);
          if (isToken) assert.deepEqual(parseJson(body), { token: told });
        },
      );
      await fc.assert(property, runs(300));
    });
  },
);

describe('the answer of whoever refuses a token', () => {
  it('is an error of ours only if it says so, whatever it is', () => {
    const body = fc.oneof(
      fc.json(),
      nastyText(),
      fc
        .record(
          {
            code: fc.constant('LOCK_STALE_FENCING_TOKEN'),
            fencingToken: anyJson(),
            newestToken: anyJson(),
          },
          { requiredKeys: ['code'] },
        )
        .map((record) => JSON.stringify(record)),
    );
    const property = fc.property(
      body,
      fc.oneof(nastyText(), fc.constant('application/problem+json')),
      fc.integer({ min: 1 }),
      (text, type, token) => {
        if (!mayTellStaleToken(412, type)) return;
        const error = staleTokenOf(parseJson(text), 'https://ledger.example/', token);
        if (error === undefined) return;
        expect(error).toBeInstanceOf(StaleFencingTokenError);
        expect(error).toMatchObject({ fencingToken: token });
        expect(error.newestToken === null || Number.isSafeInteger(error.newestToken)).toBe(true);
      },
    );
    fc.assert(property, runs(1_000));
  });
});

function anyJson(): fc.Arbitrary<unknown> {
  return fc.oneof(anyValue, fc.integer()).map((value) => {
    try {
      return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
    } catch {
      return null;
    }
  });
}
