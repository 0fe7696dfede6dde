import type { Output } from '../../commands/command.ts';

export type StyleKind = Parameters<Output['style']>[0];
export type Style = (kind: StyleKind, text: string) => string;
