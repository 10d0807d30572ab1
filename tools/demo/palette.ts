import { crc32, deflateSync, inflateSync } from "node:zlib";

/** A picture: three bytes for each point. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

const COLORS_MAX = 256;
const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** A screenshot with at most 256 colours: a page has few, and so a fraction of the bytes. */
export function toPalette(png: Buffer): Buffer {
  const { width, height, rgb } = readPng(png);
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const color = colorAt(rgb, at);
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const palette = choose(counts);
  const places = new Map([...counts.keys()].map((color) => [color, nearest(palette, color)]));
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rows[y * (width + 1) + 1 + x] = places.get(colorAt(rgb, (y * width + x) * 3)) ?? 0;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colors = Buffer.from(palette.flatMap((color) => [color >> 16, (color >> 8) & 255, color & 255]));
  const parts = [chunk("IHDR", head), chunk("PLTE", colors), chunk("IDAT", deflateSync(rows, { level: 9 }))];
  return Buffer.concat([SIGNATURE, ...parts, chunk("IEND", Buffer.alloc(0))]);
}

/** The colours that most points have; of those that hardly differ the most frequent one. */
function choose(counts: ReadonlyMap<number, number>): readonly number[] {
  const groups = Map.groupBy(
    [...counts].toSorted(([, one], [, other]) => other - one),
    ([color]) => color & 0xf8f8f8,
  );
  const sums = [...groups.values()].map((group) => {
    const [first] = group as [[number, number]];
    return { color: first[0], points: group.reduce((sum, [, points]) => sum + points, 0) };
  });
  return sums
    .toSorted((one, other) => other.points - one.points)
    .slice(0, COLORS_MAX)
    .map(({ color }) => color);
}

function nearest(palette: readonly number[], color: number): number {
  let best = 0;
  let least = Infinity;
  for (const [at, other] of palette.entries()) {
    const [red, green, blue] = [
      (color >> 16) - (other >> 16),
      ((color >> 8) & 255) - ((other >> 8) & 255),
      (color & 255) - (other & 255),
    ];
    const distance = red * red + green * green + blue * blue;
    if (distance < least) [best, least] = [at, distance];
  }
  return best;
}

function colorAt(rgb: Uint8Array, at: number): number {
  return ((rgb[at] as number) << 16) | ((rgb[at + 1] as number) << 8) | (rgb[at + 2] as number);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** Reads what a browser writes: eight bits a channel, not interlaced, with or without alpha. */
function readPng(png: Buffer): Pixels {
  const [width, height, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25]];
  const channels = kind === 6 ? 4 : 3;
  const pieces: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      pieces.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(pieces));
  const stride = width * channels;
  const rows = Buffer.alloc(height * stride);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : (rows[y * stride + x - channels] as number);
      const above = y === 0 ? 0 : (rows[(y - 1) * stride + x] as number);
      const corner = x < channels || y === 0 ? 0 : (rows[(y - 1) * stride + x - channels] as number);
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter ?? 0] as number;
      const value = ((raw[y * (stride + 1) + 1 + x] as number) + guess) & 255;
      rows[y * stride + x] = value;
      const channel = x % channels;
      if (channel < 3) rgb[(y * width + (x - channel) / channels) * 3 + channel] = value;
    }
  }
  return { width, height, rgb };
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
