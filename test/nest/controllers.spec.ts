import { describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  HttpCode,
  Injectable,
  type NestInterceptor,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Scope,
  SetMetadata,
  Sse,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Locked, LockService } from 'nestjs-locker';
import { map, Observable, of } from 'rxjs';
import { leaseIn } from '../support/lease-end.js';
import { type Platform, startHttpApp } from './fixtures/app.js';

@Injectable()
class RoleGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { query } = context.switchToHttp().getRequest<{ query: { role?: string } }>();
    const wanted: unknown = Reflect.getMetadata('role', context.getHandler());
    return wanted === undefined || wanted === query.role;
  }
}

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handler = context.getHandler().name;
    return next.handle().pipe(map((data: unknown) => ({ handler, data })));
  }
}

@Controller('invoices')
@UseGuards(RoleGuard)
class InvoiceController {
  constructor(private readonly locks: LockService) {}

  @Locked('invoice:<id>', { onBusy: 'skip' })
  @Get('above/:id')
  @Header('x-issued', 'yes')
  @HttpCode(202)
  @UseInterceptors(Wrapping)
  async above(@Param('id', ParseIntPipe) id: number): Promise<unknown[]> {
    return [this.locks.current()?.name, typeof id];
  }

  @Get('below/:id')
  @Header('x-issued', 'yes')
  @HttpCode(202)
  @UseInterceptors(Wrapping)
  @Locked('invoice:<id>', { onBusy: 'skip' })
  async below(@Param('id', ParseIntPipe) id: number): Promise<unknown[]> {
    return [this.locks.current()?.name, typeof id];
  }

  @Locked('role', { onBusy: 'skip' })
  @SetMetadata('role', 'clerk')
  @Get('guarded/above')
  async guardedAbove(): Promise<string> {
    return 'in';
  }

  @SetMetadata('role', 'clerk')
  @Get('guarded/below')
  @Locked('role', { onBusy: 'skip' })
  async guardedBelow(@Query('role') _role: string): Promise<string> {
    return 'in';
  }

  @Locked('missing:<id>')
  @Get('missing/:id')
  async missing(@Param('id') id: string): Promise<never> {
    throw new NotFoundException(`no invoice ${id}`);
  }

  @Post('stream/:id')
  @Locked('stream:<id>')
  stream(@Param('id') id: string): Observable<string> {
    return of(`${id}:${this.locks.current()?.name}`);
  }

  @Sse('sse')
  @Locked('sse')
  sse(): Observable<{ data: string }> {
    return of({ data: 'one' }, { data: 'two' });
  }
}

@Controller({ path: 'requests', scope: Scope.REQUEST })
class RequestScopedController {
  constructor(private readonly locks: LockService) {}

  @Get(':id')
  @Locked('invoice:<id>')
  async find(@Param('id', ParseIntPipe) id: number): Promise<unknown[]> {
    return [this.locks.current()?.name, id];
  }
}

describe.each<Platform>(['express', 'fastify'])('a controller on %s', (platform) => {
  const start = async () => {
    const controllers = [InvoiceController, RequestScopedController];
    const started = await startHttpApp({ controllers }, platform);
    return { ...started, get: (path: string) => fetch(`${started.url}/${path}`) };
  };

  it.each(['above', 'below'])('keeps route, pipes and interceptors: @Locked %s', async (where) => {
    const { get, store } = await start();
    const response = await get(`invoices/${where}/7`);
    expect(response.status).toBe(202);
    expect(response.headers.get('x-issued')).toBe('yes');
    expect(await response.json()).toEqual({ handler: where, data: ['invoice:7', 'number'] });
    expect((await get(`invoices/${where}/seven`)).status).toBe(400);

    await store.busy('invoice:7');
    expect(await (await get(`invoices/${where}/7`)).json()).toEqual({ handler: where });
  });

  it.each(['above', 'below'])('keeps guards and their metadata: @Locked %s', async (where) => {
    const { get } = await start();
    expect((await get(`invoices/guarded/${where}`)).status).toBe(403);
    expect(await (await get(`invoices/guarded/${where}?role=clerk`)).text()).toBe('in');
  });

  it("leaves the handler's own 404 alone, and the lock released", async () => {
    const { get, store } = await start();
    const response = await get('invoices/missing/7');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ message: 'no invoice 7' });
    expect(await leaseIn(store, 'missing:7')).toBeNull();
  });

  it('answers with what an Observable emits', async () => {
    const { url, get } = await start();
    const response = await fetch(`${url}/invoices/stream/7`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([201, '7:stream:7']);
    expect(await (await get('invoices/sse')).text()).toMatch(/data: one[^]*data: two/);
  });

  it('may be request-scoped', async () => {
    const { get } = await start();
    expect(await (await get('requests/7')).json()).toEqual(['invoice:7', 7]);
  });
});
