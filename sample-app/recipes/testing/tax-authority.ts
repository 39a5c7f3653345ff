import { Injectable } from '@nestjs/common';

@Injectable()
export class TaxAuthority {
  readonly submitted: string[] = [];

  async submit(id: string): Promise<void> {
    this.submitted.push(id);
  }
}
