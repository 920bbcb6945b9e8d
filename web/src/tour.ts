import generationProgress from "./tour/generation-progress.graphql";
import myDreams from "./tour/my-dreams.graphql";
import myImages from "./tour/my-images.graphql";
import recordDream from "./tour/record-dream.graphql";
import regenerateImage from "./tour/regenerate-image.graphql";
import signUp from "./tour/sign-up.graphql";
import start from "./tour/start.graphql";
import uploadOrnament from "./tour/upload-ornament.graphql";

/** The tabs that a first visit opens, in their order; the first one's variables would not show, so it has none. */
export const TOUR: readonly { query: string; variables?: string }[] = [
  { query: start },
  tab(signUp, { input: { email: "you@example.com", password: "at least 8 characters", name: "You" } }),
  tab(uploadOrnament, { input: { image: {}, prompt: "Make it shine" } }),
  tab(generationProgress, { id: "" }),
  tab(regenerateImage, { input: { imageId: "", prompt: "Add gold accents" } }),
  tab(myImages, {}),
  tab(recordDream, { input: { text: "I fell from a tower into the sea. A whale sang." } }),
  tab(myDreams, {}),
];

function tab(query: string, variables: object) {
  return { query, variables: JSON.stringify(variables, null, 2) };
}
