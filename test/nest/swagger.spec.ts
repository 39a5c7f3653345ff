import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger';
import { Locked } from 'nestjs-locker';
import { startHttpApp } from './fixtures/app.js';

class Invoice {
  @ApiProperty()
  id!: number;
}

/** The decorators of one controller, with `@Locked` above, below or left out. */
function controllerWith(above: MethodDecorator, below: MethodDecorator) {
  @Controller('invoices')
  @ApiTags('billing')
  class InvoiceController {
    @above
    @Get(':id')
    @ApiOperation({ summary: 'Finds one' })
    @ApiOkResponse({ type: Invoice, description: 'It' })
    @below
    async find(@Param('id') id: number, @Query('full') _full: boolean): Promise<Invoice> {
      return { id };
    }

    @above
    @Post()
    @below
    async issue(@Body() invoice: Invoice): Promise<Invoice> {
      return invoice;
    }
  }

  return InvoiceController;
}

const none: MethodDecorator = () => undefined;
const locked = Locked('invoices') as MethodDecorator;

async function documentOf(controller: ReturnType<typeof controllerWith>) {
  const { app } = await startHttpApp({ controllers: [controller] });
  return SwaggerModule.createDocument(app, new DocumentBuilder().build());
}

describe('@nestjs/swagger', () => {
  it.each([
    ['above', controllerWith(locked, none)],
    ['below', controllerWith(none, locked)],
  ])('documents the same operations with @Locked %s', async (_where, controller) => {
    const plain = await documentOf(controllerWith(none, none));
    expect(plain.paths['/invoices/{id}']?.get).toMatchObject({
      operationId: 'InvoiceController_find',
      summary: 'Finds one',
    });
    expect(await documentOf(controller)).toEqual(plain);
  });
});
