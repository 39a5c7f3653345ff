import { describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Body, Controller, ParseIntPipe, Post, UseGuards } from '@nestjs/common';
import { Args, GraphQLModule, Int, Query, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { LockOptionsError } from 'nestjs-locker';
import { FencingToken, type FencingTokenOptions, FencingTokenGuard } from 'nestjs-locker/fencing';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { json } from 'node:stream/consumers';
import { lastValueFrom } from 'rxjs';
import { afterTest, RecordingLogger } from '../support/lock-service.js';
import { type Platform, startHttpApp } from './fixtures/app.js';

@Controller()
class InvoiceController {
  @Post('guarded')
  @UseGuards(FencingTokenGuard)
  async guarded(@Body('id', ParseIntPipe) id: number): Promise<object> {
    return { id };
  }

  @Post('required')
  async required(@FencingToken() token: number): Promise<object> {
    return { token };
  }

  @Post('optional')
  async optional(@FencingToken({ optional: true }) token?: number): Promise<object> {
    return { token: token ?? 'none' };
  }

  @MessagePattern('guarded')
  @UseGuards(FencingTokenGuard)
  async guardedMessage(): Promise<void> {}

  @MessagePattern('required')
  async message(@FencingToken() token: number): Promise<number> {
    return token;
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: any;
}

/** Not with fetch, which joins several headers of one name before they are sent. */
async function post(url: string, headers: readonly string[], body = { id: 7 }): Promise<Answer> {
  const sent = request(url, {
    method: 'POST',
    headers: ['Host', new URL(url).host, 'Content-Type', 'application/json', ...headers],
  }).end(JSON.stringify(body));
  const [response] = await once(sent, 'response');
  const { statusCode: status, headers: received } = response;
  return { status, type: received['content-type'], body: await json(response) };
}

const MISSING = {
  type: 'urn:nestjs-locker:fencing-token-missing',
  title: 'Fencing token missing',
  status: 428,
  code: 'FENCING_TOKEN_MISSING',
  detail: expect.stringContaining('no Fencing-Token header'),
};
const MALFORMED = {
  type: 'urn:nestjs-locker:fencing-token-malformed',
  title: 'Fencing token malformed',
  status: 400,
  code: 'FENCING_TOKEN_MALFORMED',
  detail: expect.stringContaining('send one whole number from 1 to 2^53 - 1'),
};
const NEWEST = String(Number.MAX_SAFE_INTEGER);

describe.each<Platform>(['express', 'fastify'])('a fenced handler on %s', (platform) => {
  const start = () => startHttpApp({ controllers: [InvoiceController] }, platform);

  it.each(['Fencing-Token', 'fencing-token', 'FENCING-TOKEN'])('reads %s', async (name) => {
    const { url } = await start();
    for (const token of ['1', '1790000000000123', NEWEST]) {
      const body = { token: Number(token) };
      expect(await post(`${url}/required`, [name, token])).toMatchObject({ status: 201, body });
      expect(await post(`${url}/optional`, [name, token])).toMatchObject({ status: 201, body });
    }
    expect(await post(`${url}/guarded`, [name, '7'])).toMatchObject({ status: 201 });
  });

  it('demands a token, before it looks at the body', async () => {
    const { url } = await start();
    const body = { id: 'none' } as never;
    expect(await post(`${url}/guarded`, [], body)).toMatchObject({ status: 428, body: MISSING });
    expect(await post(`${url}/required`, [])).toMatchObject({ status: 428, body: MISSING });
  });

  it('does without one where that is told', async () => {
    const { url } = await start();
    expect(await post(`${url}/optional`, [])).toMatchObject({
      status: 201,
      body: { token: 'none' },
    });
  });

  it.each([
    '',
    '0',
    '-1',
    '+1',
    '007',
    '1.0',
    '1e3',
    '0x10',
    'seven',
    '9007199254740992',
    '1, 2',
    '1,2',
    '9'.repeat(99),
  ])('refuses %j', async (token) => {
    const { url } = await start();
    for (const handler of ['guarded', 'required', 'optional']) {
      expect(await post(`${url}/${handler}`, ['Fencing-Token', token])).toMatchObject({
        status: 400,
        type: expect.stringContaining('application/json'),
        body: MALFORMED,
      });
    }
  });

  it('refuses two headers, even with the same token', async () => {
    const { url } = await start();
    for (const handler of ['guarded', 'required', 'optional']) {
      const headers = ['Fencing-Token', '7', 'fencing-token', '7'];
      const answer = await post(`${url}/${handler}`, headers);
      expect(answer).toMatchObject({ status: 400, body: MALFORMED });
      expect(answer.body.detail).toContain('"7, 7"');
    }
  });

  it('tells a malformed value shortened', async () => {
    const { url } = await start();
    const { body } = await post(`${url}/required`, ['Fencing-Token', `"${'é'.repeat(3000)}`]);
    expect(body.detail).toContain(String.raw`header is "\"${'é'.repeat(59)}…": send`);
  });
});

@Resolver()
class InvoiceResolver {
  @Query(() => String)
  @UseGuards(FencingTokenGuard)
  async guarded(@Args('id', { type: () => Int }) id: number): Promise<string> {
    return String(id);
  }

  @Query(() => String)
  async required(@FencingToken() token: number): Promise<string> {
    return String(token);
  }
}

describe('a fenced resolver', () => {
  async function start(options: Partial<ApolloDriverConfig> = {}) {
    const forRoot = { driver: ApolloDriver, autoSchemaFile: true, playground: false, ...options };
    const { url } = await startHttpApp({
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>(forRoot)],
      providers: [InvoiceResolver],
    });
    return async (query: string, headers: Record<string, string> = {}): Promise<any> => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
      return response.json();
    };
  }
  it('reads the header of the request that GraphQL came with', async () => {
    const ask = await start();
    const headers = { 'Fencing-Token': '7' };
    expect(await ask('{ required }', headers)).toEqual({ data: { required: '7' } });
    expect(await ask('{ guarded(id: 1) }', headers)).toEqual({ data: { guarded: '1' } });
  });

  it.each(['required', 'guarded(id: 1)'])('tells what is wrong with it: %s', async (field) => {
    const ask = await start();
    const codeOf = ({ detail, code }: typeof MISSING) => ({
      errors: [{ message: detail, extensions: { code } }],
    });
    expect(await ask(`{ ${field} }`)).toMatchObject(codeOf(MISSING));
    const headers = { 'Fencing-Token': '0' };
    expect(await ask(`{ ${field} }`, headers)).toMatchObject(codeOf(MALFORMED));
  });

  it('tells where the request is looked for', () => {
    const context = new ExecutionContextHost(
      [{}, {}, {}, {}],
      InvoiceResolver,
      function issue() {},
    );
    context.setType('graphql');
    expect(() => new FencingTokenGuard().canActivate(context)).toThrow(
      new LockOptionsError(
        'FencingTokenGuard: InvoiceResolver.issue has no request as "req" of its GraphQL context; a subscription has ' +
          'none, and elsewhere the "context" of GraphQLModule is to put it there.',
      ),
    );
  });
});

describe('a handler that nothing with headers calls', () => {
  it.each([
    ['guarded', 'FencingTokenGuard: InvoiceController.guardedMessage is called by "rpc"'],
    ['required', '@FencingToken: InvoiceController.message is called by "rpc"'],
  ])('says so: %s', async (pattern, problem) => {
    const port = await freePort();
    const options = { host: '127.0.0.1', port };
    const logger = new RecordingLogger();
    await startHttpApp({ controllers: [InvoiceController] }, 'express', async (app) => {
      app.useLogger(logger);
      app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options });
      await app.startAllMicroservices();
    });
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    afterTest(async () => client.close());
    await expect(lastValueFrom(client.send(pattern, {}))).rejects.toMatchObject({
      message: 'Internal server error',
    });
    expect(logger.lines.join('\n')).toContain(problem);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('@FencingToken', () => {
  it.each([
    [{ optional: 1 }, '@FencingToken: "optional" is 1; write true or false.'],
    [{ required: true }, '@FencingToken: there is no option "required". The options are optional.'],
    [ParseIntPipe, '@FencingToken: the options are [class ParseIntPipe]; write an object.'],
  ])('refuses %p where it is written', (options, message) => {
    expect(() => FencingToken(options as FencingTokenOptions)).toThrow(
      new LockOptionsError(message),
    );
  });
});
