export const go = async (context: any) => {};
