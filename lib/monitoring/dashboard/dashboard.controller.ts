import {
  Body,
  Controller,
  Get,
  type HttpServer,
  Inject,
  Post,
  Query,
  Req,
  Res,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Duration } from '../../core/duration.js';
import { checkLockName } from '../../core/lock-name.js';
import { LockKeyError, LockOptionsError, LockStoreError } from '../../lock.errors.js';
import type { NameKind } from '../../stores/lock-store.interface.js';
import type { OutcomeState } from '../../stores/outcome.interface.js';
import { files } from './assets.js';
import { DashboardActions } from './dashboard-actions.js';
import { DashboardData } from './dashboard-data.js';
import { DASHBOARD_OPTIONS } from './dashboard-tokens.js';
import type { ResolvedActions, ResolvedPlace } from './dashboard-options.js';
import { DashboardRefusal, Fields } from './fields.js';
import { setHeaders } from './headers.js';
import { LoopbackGuard } from './loopback.guard.js';
import { renderPage } from './page.js';
import { refuseForeignAction, refuseForeignReader } from './request-origin.js';

const KINDS: readonly NameKind[] = ['lock', 'semaphore'];
const STATES: readonly OutcomeState[] = ['unknown', 'running', 'processed'];
const MOST_NAMES = 500;
const MOST_EVENTS = 500;
const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * A controller like any other, so that guards, prefixes and versioning hold for all of it; and a class of its
 * own for each module, as where it is and who may see it stands in the metadata of a class.
 *
 * Answers are sent by hand: what interceptors make of an application's answers would break the page.
 */
export function createDashboardController({ path, guards, version }: ResolvedPlace): Type<object> {
  @Controller({ path, version: version ?? VERSION_NEUTRAL })
  @UseGuards(...(guards.length > 0 ? guards : [LoopbackGuard]))
  class LockDashboardController {
    constructor(
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
      @Inject(DASHBOARD_OPTIONS) private readonly options: ResolvedActions,
      @Inject(DashboardData) private readonly data: DashboardData,
      @Inject(DashboardActions) private readonly actions: DashboardActions,
    ) {}

    @Get()
    page(@Req() request: object, @Res() response: object): void {
      const { originalUrl, url } = request as { originalUrl?: string; url: string };
      this.send(
        response,
        'text/html; charset=utf-8',
        renderPage(originalUrl ?? url, this.options.title),
      );
    }

    /** Fastify tells `/locks/` from `/locks`; of the two slashes Nest takes one away. */
    @Get('//')
    pageWithSlash(@Req() request: object, @Res() response: object): void {
      this.page(request, response);
    }

    @Get('api/overview')
    overview(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () => {
        Fields.none(query);
        return this.data.overview();
      });
    }

    @Get('api/store')
    store(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () => {
        Fields.none(query);
        return this.data.store();
      });
    }

    @Get('api/held')
    held(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () => {
        const fields = new Fields(query, ['kind', 'search', 'cursor', 'limit']);
        return this.data.held({
          kind: fields.optionalOneOf('kind', KINDS),
          search: fields.optionalText('search', 1_024),
          cursor: fields.optionalText('cursor', 14_000),
          limit: fields.wholeNumber('limit', MOST_NAMES),
        });
      });
    }

    @Get('api/name')
    name(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () => {
        const fields = new Fields(query, ['name', 'kind']);
        const name = checkLockName(fields.text('name'));
        return this.data.name({ name, kind: fields.oneOf('kind', KINDS) });
      });
    }

    @Get('api/outcomes')
    outcomes(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () => {
        const fields = new Fields(query, ['job', 'state', 'cursor']);
        const job = fields.text('job');
        return this.data.outcomes(
          job,
          fields.oneOf('state', STATES),
          fields.optionalText('cursor', 14_000),
        );
      });
    }

    @Get('api/events')
    events(@Req() request: object, @Query() query: unknown, @Res() response: object) {
      return this.answer(request, response, () =>
        this.data.events(new Fields(query, ['limit']).wholeNumber('limit', MOST_EVENTS)),
      );
    }

    @Post('api/force-release')
    forceRelease(@Req() request: object, @Body() body: unknown, @Res() response: object) {
      return this.act(request, response, async () => {
        const fields = new Fields(body, ['name', 'kind', 'fencingToken', 'typed']);
        const name = checkLockName(fields.text('name'));
        const order = {
          name,
          kind: fields.oneOf('kind', KINDS),
          fencingToken: required(fields, 'fencingToken'),
        };
        // Not every name can be typed.
        if (![name, String(order.fencingToken)].includes(fields.text('typed'))) {
          throw new DashboardRefusal(400, '"typed" is not the name: nothing was released.');
        }
        return this.actions.forceRelease(order, await this.actions.actorOf(request));
      });
    }

    @Post('api/resolve')
    resolve(@Req() request: object, @Body() body: unknown, @Res() response: object) {
      return this.act(request, response, async () => {
        const fields = new Fields(body, ['name', 'fencingToken', 'decision', 'retention']);
        const retention = fields.optionalText('retention', 40);
        const order = {
          name: checkLockName(fields.text('name')),
          fencingToken: required(fields, 'fencingToken'),
          decision: fields.oneOf('decision', ['processed', 'retry']),
          retention: retention === 'for ever' ? Infinity : (retention as Duration | undefined),
        };
        return this.actions.resolve(order, await this.actions.actorOf(request));
      });
    }

    private answer(request: object, response: object, ask: () => Promise<object>): Promise<void> {
      const refusal = refuseForeignReader(request);
      return this.reply(response, 200, refusal, ask);
    }

    private act(request: object, response: object, work: () => Promise<object>): Promise<void> {
      const refusal = this.options.isReadOnly
        ? 'This page is read-only: LockDashboardModule has the option readOnly.'
        : refuseForeignAction(request);
      return this.reply(response, 200, refusal, async () => {
        try {
          return await work();
        } finally {
          this.data.changed();
        }
      });
    }

    private async reply(
      response: object,
      status: number,
      refusal: string | undefined,
      work: () => Promise<object>,
    ): Promise<void> {
      try {
        if (refusal !== undefined) throw new DashboardRefusal(403, refusal);
        this.send(
          response,
          JSON_TYPE,
          JSON.stringify({ ...(await work()), now: Date.now() }),
          status,
        );
      } catch (error) {
        const told = statusOf(error);
        if (told === undefined) throw error;
        const body = JSON.stringify({ statusCode: told, message: (error as Error).message });
        this.send(response, JSON_TYPE, body, told);
      }
    }

    private send(response: object, type: string, body: string, status = 200): void {
      const { httpAdapter } = this.adapterHost;
      setHeaders(httpAdapter, response, type, type === JSON_TYPE ? 'no-store' : 'no-cache');
      httpAdapter.reply(response, body, status);
    }
  }

  const prototype = LockDashboardController.prototype;
  for (const [file, { type, text }] of Object.entries(files)) {
    const send = function (this: LockDashboardController, response: object): void {
      this['send'](response, type, text);
    };
    Object.defineProperty(prototype, file, { value: send, configurable: true, writable: true });
    Res()(prototype, file, 0);
    Get(file)(prototype, file, Object.getOwnPropertyDescriptor(prototype, file)!);
  }
  // For @nestjs/swagger: it is no part of the application's interface.
  Reflect.defineMetadata('swagger/apiExcludeController', [true], LockDashboardController);
  return LockDashboardController;
}

/** Fastify that ignores slashes itself would take the second route for the first once more, and not start. */
export function settleSlashes(controller: Type<object>, host: HttpAdapterHost): void {
  // Not sooner: a testing module gets its adapter late, though before its routes.
  host.init$.subscribe(() => {
    if (!ignoresTrailingSlash(host.httpAdapter)) return;
    const { prototype } = controller as { prototype: object };
    const route = Object.getOwnPropertyDescriptor(prototype, 'pageWithSlash')!;
    Reflect.deleteMetadata('path', route.value as object);
  });
}

function required(fields: Fields, key: string): number {
  const value = fields.wholeNumber(key, Number.MAX_SAFE_INTEGER);
  if (value === undefined) throw new DashboardRefusal(400, `"${key}" is missing.`);
  return value;
}

/** With which status an error is told on the page; any other is a fault, and Nest's to tell. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof DashboardRefusal) return error.status;
  if (error instanceof LockStoreError) return 503;
  if (error instanceof LockKeyError || error instanceof LockOptionsError) return 400;
  return undefined;
}

function ignoresTrailingSlash(adapter: HttpServer): boolean {
  if (adapter.getType() !== 'fastify') return false;
  const { initialConfig = {} } = adapter.getInstance() as { initialConfig?: Slashes };
  return Boolean(
    initialConfig.ignoreTrailingSlash || initialConfig.routerOptions?.ignoreTrailingSlash,
  );
}

interface Slashes {
  readonly ignoreTrailingSlash?: boolean;
  readonly routerOptions?: Slashes;
}
