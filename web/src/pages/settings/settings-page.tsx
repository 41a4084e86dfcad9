import { Empty } from '../../parts/states.tsx';
import { texts } from '../../texts.ts';

export default function SettingsPage() {
  return <Empty title={texts.placeholder.title('Settings')}>{texts.placeholder.text}</Empty>;
}
