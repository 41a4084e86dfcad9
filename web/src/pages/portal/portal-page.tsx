import { Empty } from '../../parts/states.tsx';
import { texts } from '../../texts.ts';

export default function PortalPage() {
  return <Empty title={texts.placeholder.title('Portal')}>{texts.placeholder.text}</Empty>;
}
