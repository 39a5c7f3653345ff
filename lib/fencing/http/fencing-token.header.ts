/**
 * The request header in which a fencing token travels: decimal digits alone, once.
 *
 * @example
 * @ApiHeader({ name: FENCING_TOKEN_HEADER, required: true }) // of @nestjs/swagger
 */
export const FENCING_TOKEN_HEADER = 'Fencing-Token';
