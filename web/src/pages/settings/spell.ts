/** A name of the API's in words: `SET_PORTAL_ACCESS_GROUPS` is "Set portal access groups". */
export function spell(name: string): string {
  const plain = name.toLowerCase().replaceAll('_', ' ');
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
