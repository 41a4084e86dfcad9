// The words of the portal, loaded with it.

export const words = {
  hello: (name: string) => `Hello, ${name}`,
  yours: 'This is what your IT provider keeps about you.',
  record: 'About you',
  devices: 'Your devices',
  groups: 'Your groups',
  noDevices: 'No device of yours is managed',
  noDevicesText: 'A device appears here once it is enrolled in your company’s Intune and belongs to you.',
  noGroups: 'You are in no group.',
  wrong: 'Something is wrong here? Tell your IT provider; it is corrected in Microsoft 365 and appears here by itself.',
  nobody: 'There is no record of you',
  nobodyText: 'Your account opened the door, but no contact belongs to it any more. Ask your IT provider.',
  encrypted: 'Encrypted',
  notEncrypted: 'Not encrypted',
  checkedIn: 'Checked in',
  serial: 'Serial number',
  manager: 'What your IT provider keeps about your company.',
  seen: 'Last brought up to date',
  never: 'Not brought up to date yet',
  tabs: 'Of your company',
} as const;
